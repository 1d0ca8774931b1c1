"""What goes into a function's log: the platform's lines, the runtime client's framed records, and the buffer."""
