"""The program: clean the environment before anything of Qt can look at it, then the command line."""

import os
import sys


def main() -> None:
    """Run the command line on this process's arguments."""
    from cashier import environment

    words = sys.argv[1:]
    training = "--training" in words or "tour" in words
    environment.clean(os.environ, training=training, is_root=environment.is_root())
    environment.forbid_crash_dumps()
    from cashier.cli import cli

    cli(prog_name="cashier")


if __name__ == "__main__":
    main()
