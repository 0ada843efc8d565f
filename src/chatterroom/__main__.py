"""`python -m chatterroom` is `chatterroom`."""

import sys

from chatterroom.cli import main

if __name__ == "__main__":
    sys.exit(main())
