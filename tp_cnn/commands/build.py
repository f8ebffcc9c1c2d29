"""`tp-cnn build` and `tp-cnn questions`: what turns text sources into a course."""


def add(commands) -> None:
    """Declare the command and its arguments."""
    build = commands.add_parser("build", help="build both editions of notebooks from their sources")
    build.add_argument("names", nargs="*", metavar="NAME", help="such as 03; default: all")
    build.add_argument("--no-execute", action="store_true", help="keep the outputs as they are")
    build.set_defaults(run=build_command)
    questions = commands.add_parser("questions", help="list the questions of the course")
    questions.add_argument("names", nargs="*", metavar="NAME", help="such as 03; default: all")
    questions.add_argument("--json", action="store_true")
    questions.set_defaults(run=_questions)


def build_command(options) -> None:
    """Build notebooks, and the README's table of them."""
    from tp_cnn.authoring import build, questions

    for built in build.build(options.names or None, execute=not options.no_execute):
        done = "executed" if built.executed else "not executed"
        print(f"{built.name}: {done}, {built.seconds:.1f} s")
        for note in built.notes:
            print(f"  {note}")
    if questions.update_readme():
        print("README.md: the table of notebooks is up to date")


def _questions(options) -> None:
    from tp_cnn.authoring import questions

    rows = questions.questions(names=options.names or None)
    print(questions.as_json(rows) if options.json else questions.as_table(rows))
