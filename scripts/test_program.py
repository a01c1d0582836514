#!/usr/bin/env python3
"""Runs a cargo command that builds one test program, and prints the program's path.

    test_program.py cargo test --no-run --message-format=json …
"""

import json
import subprocess
import sys

done = subprocess.run(sys.argv[1:], stdout=subprocess.PIPE, text=True)
if done.returncode:
    sys.exit(done.returncode)
programs = {message["executable"] for message in map(json.loads, done.stdout.splitlines()) if message.get("executable")}
if len(programs) != 1:
    sys.exit(f"{' '.join(sys.argv[1:])} built {len(programs)} programs where one is expected")
print(programs.pop())
