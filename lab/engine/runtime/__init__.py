"""What runs inside an execution environment, beside the function.

`lab.engine.interpreters` copies these files into every runtime pack. They run under the function's own interpreter, so
they import only the standard library, awslambdaric and one another.
"""
