"""`python -m fillwright`: the command line."""

from fillwright.cli import main

if __name__ == "__main__":
    main()
