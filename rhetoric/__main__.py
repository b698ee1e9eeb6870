"""``python -m rhetoric`` is the command ``rhetoric``."""

from rhetoric.cli import main

if __name__ == "__main__":
    main(prog_name="rhetoric")
