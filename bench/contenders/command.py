"""A command as a contender of a bench: a step is a whole process, from its start to its end.

    python bench/contenders/command.py PROGRAM [ARGUMENT...]
"""

import resource
import subprocess
import sys

from steps import serve


def step() -> float:
    subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)
    return 0.0


serve(step, resource.RUSAGE_CHILDREN)
