# base KIND NAME asks the lab where something listens.
base() {
  URL=$(curl -q -sS --noproxy '*' "$LAB/platform" |
    sed -n 's/.*"'"$1"'":{[^}]*"'"$2"'":"\([^"]*\)".*/\1/p')
  [ -n "$URL" ] || { echo "$LAB does not know $2" >&2; exit 1; }
  echo "$URL"
}

DIR=$(mktemp -d)
FAULTS=
end() {
  CODE=$?
  for FAULT in $FAULTS; do (fault DELETE "$FAULT") || CODE=1; done
  rm -rf "$DIR"
  exit "$CODE"
}
trap end EXIT
trap 'exit 130' INT TERM

# call METHOD URL [OPTION ...] sends a request. Its answer: $STATUS, $DIR/headers, $DIR/body.
call() {
  METHOD=$1 URL=$2
  shift 2
  : >"$DIR/body"
  if [ "$METHOD" = HEAD ]; then set -- --head "$@"; else set -- -X "$METHOD" "$@"; fi
  STATUS=$(curl -q -sS -g --path-as-is --noproxy '*' --max-time 15 \
    -D "$DIR/headers" -o "$DIR/body" -w '%{http_code}' "$@" "$URL")
}

fail() {
  echo "FAIL $METHOD $URL: $*" >&2
  sed 's/^/  /' "$DIR/body" >&2
  exit 1
}
want() { [ "$2" = "$3" ] || fail "$1: got $2, want $3"; }
differ() { [ "$2" != "$3" ] || fail "$1: got $2, want another value"; }
wanted() { [ -n "$2" ] || fail "$1: got nothing"; }

CR=$(printf '\r')
# header NAME prints the values of a header.
header() {
  grep -i "^$1:" "$DIR/headers" | sed -e "s/^[^:]*: *//" -e "s/$CR\$//" |
    sed -e ':a' -e '$!N' -e 's/\n/, /' -e 'ta'
}
# served prints the traceparent of the span that served the request.
served() { header Server-Timing | sed -n 's/.*traceparent;desc="\([^"]*\)".*/\1/p'; }

# json prints the body on one line; inside NAME goes into an object or list, first into the first
# element of a list, member NAME prints a value. They get at what the answers of this shop hold.
json() { sed -e ':a' -e '$!N' -e 's/\n/ /' -e 'ta' "$DIR/body"; }
inside() {
  sed -n -e 's/"'"$1"'": *\([[{]\)/\
\1/' -e 's/^.*\n//p'
}
first() { sed -n 's/^\[ *\({.*\)/\1/p'; }
member() {
  sed -e ':a' -e 's/\(.\){[^{}]*}/\1null/' -e 's/\[[^][{}]*\]/null/' -e 'ta' -e 's/}.*/}/' |
    sed -n -e 's/.*[{,] *"'"$1"'": *"\([^"]*\)".*/\1/p' -e t \
      -e 's/.*[{,] *"'"$1"'": *\([^,}" ]*\).*/\1/p'
}

# quiesce waits until all services are idle, twice, for one may make work for another.
quiesce() {
  for ADMIN in $ADMINS $ADMINS; do
    call POST "$ADMIN/quiesce"
    want status "$STATUS" 200
  done
}
# fault PUT|DELETE NAME switches a fault at every service that has it.
fault() {
  HAVE=
  if [ "$1" = PUT ]; then FAULTS="$FAULTS $2"; fi
  for ADMIN in $ADMINS; do
    call "$1" "$ADMIN/faults/$2"
    case $STATUS in
    204) HAVE=1 ;;
    404) ;;
    *) fail "status $STATUS" ;;
    esac
  done
  [ -n "$HAVE" ] || fail "no service has the fault $2"
}
