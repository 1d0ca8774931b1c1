"""Rules of AWS that no validator of templates knows, checked on a synthesized cloud assembly.

``python -m stacks.checks cdk.out`` prints what it finds, a line each, and ends with 1 if there is anything.
"""
