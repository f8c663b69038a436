"""`python -m feedclean`."""

from feedclean.cli import main

if __name__ == "__main__":
    main()
