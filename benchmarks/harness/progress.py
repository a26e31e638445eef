"""What is going on, on one line of a terminal; nothing in a pipe."""

import sys


def tell(text):
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\x1b[K{text[:110]}")
        sys.stderr.flush()


def clear():
    tell("")
