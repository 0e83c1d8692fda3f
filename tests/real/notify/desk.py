"""Parts of a desktop on a session bus, as little as a test needs.

desk.py portal FILE   writes down each page that the portal is asked to open, and opens none
desk.py deaf          has the name of the notification service, and answers nobody

Says READY when it is there.
"""

import sys

from gi.repository import Gio, GLib

PORTAL = """
<node><interface name="org.freedesktop.portal.OpenURI">
  <method name="OpenURI">
    <arg type="s" direction="in"/><arg type="s" direction="in"/><arg type="a{sv}" direction="in"/>
    <arg type="o" direction="out"/>
  </method>
</interface></node>
"""
REQUEST = "/org/freedesktop/portal/desktop/request/test/1"


def portal(bus, file):
    """A portal whose person has a browser."""

    def called(_bus, _sender, _path, _interface, _method, arguments, invocation):
        with open(file, "a", encoding="ascii") as pages:
            print(arguments[1], file=pages)
        invocation.return_value(GLib.Variant("(o)", (REQUEST,)))
        answer = GLib.Variant("(ua{sv})", (0, {}))
        bus.emit_signal(None, REQUEST, "org.freedesktop.portal.Request", "Response", answer)

    interface = Gio.DBusNodeInfo.new_for_xml(PORTAL).interfaces[0]
    bus.register_object("/org/freedesktop/portal/desktop", interface, called, None, None)


def main(role, *arguments):
    bus = Gio.bus_get_sync(Gio.BusType.SESSION)
    if role == "portal":
        portal(bus, *arguments)
        name = "org.freedesktop.portal.Desktop"
    else:
        name = "org.freedesktop.Notifications"
        # Taken from the bus and never answered.
        bus.add_filter(lambda _bus, message, is_incoming: None if is_incoming and is_call(message) else message)
    loop = GLib.MainLoop()
    Gio.bus_own_name_on_connection(bus, name, Gio.BusNameOwnerFlags.NONE, lambda *_: print("READY", name, flush=True), lambda *_: loop.quit())
    loop.run()


def is_call(message):
    return message.get_message_type() == Gio.DBusMessageType.METHOD_CALL


main(*sys.argv[1:])
