"""What runs inside an execution environment, beside the function.

These files are copied into every runtime pack (see `lab.engine.runtimes`) and run under the function's own interpreter,
so they import the standard library, awslambdaric and one another only.
"""
