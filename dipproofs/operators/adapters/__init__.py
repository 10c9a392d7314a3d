"""What turns the operators that people have into an `Operator`; `as_operator` dispatches."""
