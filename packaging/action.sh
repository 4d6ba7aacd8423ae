#!/usr/bin/env bash
# The steps of action.yml: `digest` names what is built, `install` builds it unless a cache had it, `judge` runs it.
# GITHUB_OUTPUT, GITHUB_STEP_SUMMARY and RUNNER_TEMP are the runner's; COUNTERSIGN_… are the inputs of the action.
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
bin=$RUNNER_TEMP/countersign/bin/countersign

# One entry of a list per line; blank lines count for nothing.
lines() {
    local line
    while IFS= read -r line; do
        line="${line#"${line%%[![:space:]]*}"}"
        line="${line%"${line##*[![:space:]]}"}"
        if [ -n "$line" ]; then printf '%s\0' "$line"; fi
    done <<<"$1"
}

digest() {
    local digest
    digest=$(cd "$root" && find Cargo.toml Cargo.lock build.rs src specs cases -type f -print0 | LC_ALL=C sort -z |
        xargs -0 sha256sum | sha256sum | cut -d ' ' -f 1)
    echo "digest=$digest" >>"$GITHUB_OUTPUT"
}

install_program() {
    if [ -x "$bin" ]; then
        "$bin" --version
        return
    fi
    if ! command -v cargo >/dev/null; then
        echo "::error title=countersign::cargo is not here; install Rust 1.95 or newer in a step before this one"
        exit 5
    fi
    cargo install --locked --path "$root" --root "$RUNNER_TEMP/countersign"
}

judge() {
    local -a arguments=()
    local entry status=0
    case "$COUNTERSIGN_COMMAND" in
    guard | run) ;;
    *)
        echo "::error title=countersign::the input \`command\` is guard or run"
        exit 2
        ;;
    esac
    while IFS= read -r -d '' entry; do arguments+=(--partner "$entry"); done < <(lines "$COUNTERSIGN_PARTNER")
    while IFS= read -r -d '' entry; do arguments+=("$entry"); done < <(lines "$COUNTERSIGN_ARGUMENTS")
    mkdir -p "$COUNTERSIGN_OUT"
    "$bin" "$COUNTERSIGN_COMMAND" "${arguments[@]}" \
        --report "junit=$COUNTERSIGN_OUT/junit.xml" --report "html=$COUNTERSIGN_OUT/{partner}.html" \
        --report "markdown=$GITHUB_STEP_SUMMARY" --log "$COUNTERSIGN_OUT/log" || status=$?
    echo "exit-code=$status" >>"$GITHUB_OUTPUT"
    exit "$status"
}

case "${1-}" in
digest) digest ;;
install) install_program ;;
judge) judge ;;
*)
    echo "usage: action.sh digest|install|judge" >&2
    exit 2
    ;;
esac
