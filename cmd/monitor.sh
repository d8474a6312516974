#!/bin/sh
# The command `monitor`, from wherever a link to it lies: with the Node of this repository, in the folder where it is called.
here=$(dirname "$(readlink -f "$0")")
exec sh "$here/node.sh" "$here/monitor.ts" "$@"
