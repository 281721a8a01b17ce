"""Measure a whole desk against the bare floor of the same idea, on this machine, in one run.

    python tests/benchmarks/run.py            about three minutes: 1,000 and 10,000 orders
    python tests/benchmarks/run.py --quick    a few seconds, to see that it works
    python tests/benchmarks/run.py --full     100,000 orders as well, about half an hour
    python tests/benchmarks/run.py --chains   what 25 checks cost an order, half a minute
    python tests/benchmarks/run.py --scenario what a scenario of the simulation costs, half a minute

Every line shows the median of its rounds, then the smallest and the largest. The rounds of all
lines are interleaved, so that a busy machine slows them alike; what holds across machines is the
column of ratios to the floor: a validated value, five hook calls, a state update and one
group-committed, fsynced record an order, where the desk writes four.

To be known when reading it: the venue works in the same process, its cost is part of the desk's
lines, and it keeps its history, so that growth and p99 of long runs hold the garbage collector's
walks over that history. Logs are off below errors.
"""

import runpy
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
runpy.run_module("benchmarks", run_name="__main__")
