#!/bin/sh
# Another program of a tool's name. Where AGAIN names one, it is a mere wrapper of that.
[ -z "$AGAIN" ] || exec "$AGAIN" "$@"
echo "theirs: $*"
[ "$1" != set ] || cat
exit 7
