"""What a block is, and what is done with it: pure, so that any caller and any test gets the same answer."""
