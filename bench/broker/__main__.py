"""``python -m bench.broker``."""

from bench.broker.run import main

main()
