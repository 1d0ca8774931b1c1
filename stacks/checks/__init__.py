"""Rules of AWS that other validators do not check, on a synthesized cloud assembly.

``python -m stacks.checks cdk.out`` prints one line for each finding; the exit code is 1 if there is any.
"""
