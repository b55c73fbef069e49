"""`python -m grants.sandbox`: the local AWS without Django."""

import argparse
import sys

from grants.sandbox import commands

if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m grants.sandbox", description="A local AWS that says no.")
    commands.add_arguments(parser)
    sys.exit(commands.run(parser.parse_args()))
