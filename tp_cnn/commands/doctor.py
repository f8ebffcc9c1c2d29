"""`tp-cnn doctor`: check the machine."""


def add(commands) -> None:
    """Declare the command."""
    doctor = commands.add_parser("doctor", help="check the machine: one [OK] or [FAIL] a line")
    doctor.set_defaults(run=doctor_command)


def doctor_command(options) -> int:
    """Print what was found; 1 if something is wrong."""
    from tp_cnn.commands import machine

    return 0 if machine.report() else 1
