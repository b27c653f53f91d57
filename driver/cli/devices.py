"""`hexmagic devices`."""

from __future__ import annotations

import click

from .common import format_option, print_json, text_width


@click.command(short_help="List the heavy-hex devices at hand, or show one in detail.")
@click.argument("name", metavar="[NAME]", required=False)
@format_option
def devices(name: str | None, format_: str) -> None:
    """List the heavy-hex devices at hand, or show one in detail.

    Errors in per cent; medians are of the qubits and edges that work; d = 3, 5, 7 is the number
    of ways in which the fold patch fits. Besides the snapshots, `heavy_hex_<d>` is a map of any
    size, uncalibrated, and `heavy_hex_<d>_cx` the same with the gates CX, CZ, H, S and Ry.

    \b
    Example:
      hexmagic devices
      hexmagic devices fake_boston
      hexmagic devices heavy_hex_9 --format json
    """
    from ..device_tables import describe_device, render_device, render_devices

    if name is not None:
        document = describe_device(name)
        if format_ == "json":
            print_json(document)
        else:
            click.echo(render_device(document, text_width()), nl=False)
        return
    from ...backends.device import device_names

    documents = [describe_device(known) for known in device_names()]
    if format_ == "json":
        print_json({"schema_version": 1, "devices": documents})
    else:
        click.echo(render_devices(documents), nl=False)
