"""`tp-cnn data`: find, download, check and cache data sets."""

from tp_cnn.commands.arguments import folder
from tp_cnn.errors import CourseError


def add(commands) -> None:
    """Declare the command and its arguments."""
    data = commands.add_parser("data", help="find, download, check and cache data sets")
    actions = data.add_subparsers(title="actions", metavar="ACTION", required=True)
    for action, text, needs_name in (
        ("status", "what is on the disk", False),
        ("fetch", "download a data set, or the weights of a network", True),
        ("verify", "compare with the official checksums", True),
        ("cache", "decode images once, so that they load at once later", True),
    ):
        add = actions.add_parser(action, help=text)
        if needs_name:
            add.add_argument("name", help="mnist, fashion-mnist or cifar10; weights: resnet18")
        add.add_argument("--data", type=folder, metavar="DIR", help="where data sets are, or go")
        add.set_defaults(run=data_command, action=action)


def data_command(options) -> int:
    """Do the action asked; print a line a data set."""
    from tp_cnn.data import sources, weights

    if weights.is_known(getattr(options, "name", "")):
        return _weights_command(options)
    if options.action == "verify":
        verdicts = sources.verify(options.name, options.data)
        for verdict in verdicts:
            print(f"{verdict.state:<10} {verdict.path} {verdict.detail}".rstrip())
        return 1 if any(verdict.state == "altered" for verdict in verdicts) else 0
    actions = {
        "status": lambda: sources.status(options.data),
        "fetch": lambda: sources.fetch(options.name, options.data),
        "cache": lambda: sources.build_cache(options.name, options.data),
    }
    for row in actions[options.action]():
        place = f"{row.layout} in {row.where}"
        print(f"{row.name:<14}{row.split:<7}{row.images:>7,} images  {place}  {row.note}".rstrip())
    if options.action == "status":
        for name, path in weights.found(options.data).items():
            print(f"{name:<14}weights in {path}")
        print("digits and shapes need no file")
    return 0


def _weights_command(options) -> int:
    from tp_cnn.data import weights

    if options.action == "verify":
        state, path = weights.verify(options.name, options.data)
        print(f"{state:<10} {path}")
        return 1 if state == "altered" else 0
    if options.action == "cache":
        raise CourseError(f"{options.name}: weights need no cache")
    print(f"{options.name:<14}weights in {weights.fetch(options.name, options.data)}")
    return 0
