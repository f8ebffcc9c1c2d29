"""`tp-cnn report`: a student's answers as one HTML page to hand in."""


def add(commands) -> None:
    """Declare the command and its arguments."""
    command = commands.add_parser(
        "report",
        help="gather a student's answers into one HTML page to hand in",
        description="Gather the answers of notebooks, as they were saved, by question number, into "
        "one HTML file; a browser prints it as a PDF (Ctrl+P).",
    )
    command.set_defaults(run=report_command)
    option = command.add_argument
    option("notebooks", nargs="+", metavar="NOTEBOOK", help="such as 03_lenet_mnist.ipynb")
    option("-o", "--output", default="compte_rendu.html", metavar="FILE")
    option("--follow-up", action="store_true", help="the evening's account: ★ answers, no figures")
    option("--name", action="append", default=[], help='such as "Prénom Nom"; repeat for a pair')
    option("--date", metavar="DAY", help="such as 2026-01-31 or 31/01/2026; default: today")


def report_command(options) -> int:
    """Write the page, then say what is missing."""
    from tp_cnn.authoring import report

    account = report.read(options.notebooks, options.name, options.date, options.follow_up)
    note = report.write(account, options.output)  # before anything that can fail on a console
    print(report.summary(account))
    print(f"{options.output} : {note}")
    return 0
