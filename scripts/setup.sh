#!/usr/bin/env bash
# Makes .venv: Python 3.11, the pinned packages of environment/requirements.txt, metasim itself, and the system
# libraries that Blender's module bpy links to. Run again it does only what is missing.
#
#   METASIM_TORCH=cpu|cuda   which build of torch; without it the one chosen before, at first the small CPU build
#
# Status 2: something that only an administrator can install is missing; the last line says how.
set -euo pipefail
shopt -s inherit_errexit
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly LOCK=environment/requirements.txt
readonly TORCH_CPU_INDEX=https://download.pytorch.org/whl/cpu
torch_build=${METASIM_TORCH:-$(cat .venv/.torch 2>/dev/null || echo cpu)}

say() { printf 'setup: %s\n' "$*" >&2; }

# Installs Debian packages where we may, else names the command and leaves.
install_packages() {
    local sudo=()
    if ((EUID != 0)); then sudo=(sudo -n); fi
    if command -v apt-get >/dev/null && { ((EUID == 0)) || sudo -n true 2>/dev/null; }; then
        say "installing system packages: $*"
        if "${sudo[@]}" apt-get update -q >/dev/null &&
            "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive \
                apt-get install -y -q --no-install-recommends "$@" >/dev/null; then
            return
        fi
    fi
    say "system packages are missing; install them, then run this again:"
    say "sudo apt-get update && sudo apt-get install -y $*"
    exit 2
}

# --- Python 3.11 -------------------------------------------------------------------------------------------------

# Whether a command is a Python 3.11 that can make environments (Debian leaves ensurepip out of python3).
makes_venv() { "$1" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null; }

# Whether .venv is whole: made by a Python that is still there, and not moved here from elsewhere.
venv_works() {
    .venv/bin/python -c 'import pip, sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null &&
        grep -qsF "$PWD/.venv" .venv/bin/activate
}

venv_from_system() {
    local python
    for python in python3.11 python3; do
        if makes_venv "$python"; then "$python" -m venv --clear .venv && return; fi
    done
    return 1
}

has() { python3 -c "import $1" 2>/dev/null; }

# Prints the path of uv, which fetches a Python 3.11; puts it into .tools where the machine has none.
find_uv() {
    if command -v uv; then return; fi
    if has pip; then
        python3 -m pip install --quiet --disable-pip-version-check --upgrade --target .tools uv >&2
    else
        python3 -m venv --clear .tools
        .tools/bin/python -m pip install --quiet --disable-pip-version-check uv >&2
    fi
    echo .tools/bin/uv
}

make_venv() {
    local uv
    if venv_from_system; then return; fi
    if ! command -v uv >/dev/null && ! has pip && ! has ensurepip; then
        install_packages python3-venv
        if venv_from_system; then return; fi
    fi
    say "no Python 3.11 that makes environments: uv brings one"
    uv=$(find_uv)
    if ! "$uv" venv --quiet --clear --seed --python 3.11 .venv; then
        say "uv could not fetch Python 3.11; put a python3.11 with venv on the PATH, then run this again"
        exit 1
    fi
}

# --- Packages ----------------------------------------------------------------------------------------------------

pip() { .venv/bin/python -m pip --quiet --disable-pip-version-check "$@"; }

# Whether this machine is told where to find packages, by environment or by file; then that is not second-guessed.
has_own_source() { .venv/bin/python -m pip config list | grep -E 'find-links|no-index|index-url' >/dev/null; }

answers() { timeout 8 .venv/bin/python -c "import urllib.request as r; r.urlopen('$1/', timeout=5)" 2>/dev/null; }

# PyPI's torch brings gigabytes of CUDA libraries, so the CPU build is looked for first. Failing that, the lock's
# own line installs what PyPI has.
install_torch() {
    local pin
    pin=$(grep -oE '^torch==[0-9.]+' "$LOCK")
    case $torch_build in
    cuda) pip install --no-deps "${pin/==/===}" ;; # === keeps off local builds such as +cpu
    cpu)
        if ! has_own_source && answers "$TORCH_CPU_INDEX"; then
            pip install --no-deps --index-url "$TORCH_CPU_INDEX" "$pin" || say "no CPU build of torch; taking PyPI's"
        fi
        ;;
    *)
        say "METASIM_TORCH=$torch_build: expected cpu or cuda"
        exit 2
        ;;
    esac
}

install_pins() {
    say "installing $(grep -c == "$LOCK") pinned packages into .venv: some minutes and 2 GB the first time"
    install_torch
    pip install --requirement "$LOCK"
    PYTHONWARNINGS=ignore pip install --no-deps --no-build-isolation --editable .
    echo "$torch_build" >.venv/.torch
}

# --- System libraries --------------------------------------------------------------------------------------------

imports_bpy() { .venv/bin/python -c 'import bpy' >/dev/null 2>.venv/bpy.log; }

package_status() { dpkg-query --show --showformat='${db:Status-Status}' "$1" 2>/dev/null || true; }

missing_packages() {
    local package
    while read -r package; do
        [[ $(package_status "$package") == installed ]] || echo "$package"
    done <environment/apt.txt
}

install_libraries() {
    local missing
    if imports_bpy; then return; fi
    mapfile -t missing < <(missing_packages)
    if ((${#missing[@]} > 0)); then install_packages "${missing[@]}"; fi
    if imports_bpy; then return; fi
    say "bpy does not import though all of environment/apt.txt is installed: $(tail -n 1 .venv/bpy.log)"
    exit 1
}

# -----------------------------------------------------------------------------------------------------------------

# The stamps hold what they were made of, so that a new lock, another torch or a moved clone is noticed.
wanted="$(cat "$LOCK" pyproject.toml | sha256sum | cut -d' ' -f1) $torch_build $PWD"
stamped() { [[ -x .venv/bin/metasim && "$(cat ".venv/.$1" 2>/dev/null)" == "$wanted" ]]; }
stamp() { echo "$wanted" >".venv/.$1"; }

if ! stamped packages; then
    venv_works || make_venv
    install_pins
    stamp packages
fi
if ! stamped libraries; then
    install_libraries
    stamp libraries
    say "ready: .venv/bin/metasim --help"
fi
