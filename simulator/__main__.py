"""``python -m simulator``."""

from simulator.command import main

main()
