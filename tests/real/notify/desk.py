"""Parts of a desktop on a session bus, as little as a test needs.

desk.py portal FILE   writes down each page that the portal is asked to open, and opens none
desk.py deaf          has the name of the notification service, and answers nobody
desk.py person WORD   shows notifications to a person who presses this button of each that has it

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


NOTIFICATIONS = """
<node><interface name="org.freedesktop.Notifications">
  <method name="GetCapabilities"><arg type="as" direction="out"/></method>
  <method name="GetServerInformation">
    <arg type="s" direction="out"/><arg type="s" direction="out"/><arg type="s" direction="out"/><arg type="s" direction="out"/>
  </method>
  <method name="Notify">
    <arg type="s" direction="in"/><arg type="u" direction="in"/><arg type="s" direction="in"/><arg type="s" direction="in"/>
    <arg type="s" direction="in"/><arg type="as" direction="in"/><arg type="a{sv}" direction="in"/><arg type="i" direction="in"/>
    <arg type="u" direction="out"/>
  </method>
  <method name="CloseNotification"><arg type="u" direction="in"/></method>
</interface></node>
"""


def person(bus, word):
    """A person who is quick, and always does the same."""
    count = 0

    def called(_bus, _sender, path, interface, method, arguments, invocation):
        nonlocal count
        if method == "GetCapabilities":
            return invocation.return_value(GLib.Variant("(as)", (["actions", "body"],)))
        if method == "GetServerInformation":
            return invocation.return_value(GLib.Variant("(ssss)", ("desk", "test", "1", "1.3")))
        if method == "CloseNotification":
            return invocation.return_value(None)
        count += 1
        invocation.return_value(GLib.Variant("(u)", (count,)))
        if word in arguments[5]:
            bus.emit_signal(None, path, interface, "ActionInvoked", GLib.Variant("(us)", (count, word)))

    interface = Gio.DBusNodeInfo.new_for_xml(NOTIFICATIONS).interfaces[0]
    bus.register_object("/org/freedesktop/Notifications", interface, called, None, None)


def main(role, *arguments):
    bus = Gio.bus_get_sync(Gio.BusType.SESSION)
    if role == "portal":
        portal(bus, *arguments)
        name = "org.freedesktop.portal.Desktop"
    elif role == "person":
        person(bus, *arguments)
        name = "org.freedesktop.Notifications"
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
