"""`python -m fillwright.testing.simulation`."""

import sys

from fillwright.testing.simulation.command import main

if __name__ == "__main__":
    sys.exit(main())
