"""`python -m chatterroom` is `chatterroom`."""

from chatterroom.cli import main

if __name__ == "__main__":
    main()
