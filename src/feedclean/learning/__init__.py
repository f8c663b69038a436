"""Learning: the only place that imports scikit-learn. Serving never imports this package."""
