#!/bin/sh
# Make the virtual environment: `sh tools/venv.sh .venv`. Says plainly what this machine lacks.
#
# PYTHON names the interpreter to use; else the first of python3.11, 3.12, 3.13, python3 and python
# that is 3.11 or later and has all it needs. CC names the C compiler, else cc.
set -eu

folder=$1
cc=${CC:-cc}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# What a Python lacks, one line a thing; nothing when it will do.
lacks() {
    "$1" -c 'import venv, ensurepip' 2>/dev/null ||
        echo "  - venv and ensurepip of $1 (Debian: apt-get install python3-venv)"
    include=$("$1" -c 'import sysconfig; print(sysconfig.get_path("include"))')
    [ -f "$include/Python.h" ] ||
        echo "  - Python.h of $1, looked for in $include (Debian: apt-get install python3-dev)"
}

if [ -n "${PYTHON:-}" ]; then
    candidates=$PYTHON
else
    candidates="python3.11 python3.12 python3.13 python3 python"
fi
chosen='' missing='' old=''
for candidate in $candidates; do
    # A name on the PATH may be a shim without a Python behind it: run it.
    version=$("$candidate" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null) ||
        continue
    if ! "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
        old="$old $candidate ($version)"
        continue
    fi
    lack=$(lacks "$candidate")
    if [ -z "$lack" ]; then
        chosen=$candidate missing=''
        break
    fi
    missing=${missing:-$lack}
done
if [ -z "$chosen" ] && [ -z "$missing" ]; then
    missing="  - Python 3.11 or later (looked for: $candidates"
    [ -z "$old" ] || missing="$missing; too old:$old"
    missing="$missing); PYTHON=/path/to/python names another"
fi
printf '#include <stdio.h>\nint main(void) { return 0; }\n' > "$work/try.c"
compiler=''
if ! $cc --version > /dev/null 2>&1; then
    compiler="  - a C compiler, looked for as '$cc' (Debian: apt-get install gcc libc6-dev); CC names another"
elif ! $cc -c -o "$work/try.o" "$work/try.c" 2> "$work/said"; then
    compiler="  - what the C compiler '$cc' needs (Debian: apt-get install libc6-dev):
$(sed 's/^/      /' "$work/said")"
fi
if [ -n "$missing$compiler" ]; then
    {
        echo "This machine lacks:"
        [ -z "$missing" ] || echo "$missing"
        [ -z "$compiler" ] || echo "$compiler"
    } >&2
    exit 1
fi

if [ ! -x "$folder/bin/python" ] ||
    ! "$folder/bin/python" -c 'import pip, sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    echo "virtual environment: $folder, of $("$chosen" --version) ($chosen)"
    "$chosen" -m venv --clear "$folder"
fi
