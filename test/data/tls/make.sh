#!/bin/sh
# Makes the certificates of this folder again (they are valid for 100 years). For tests only: the keys are public.
set -eu
cd "$(dirname "$0")"
new="-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes"
for self in "ca:Charger CA" "server:localhost" "forged:P3"; do
  openssl req -x509 $new -days 36500 -subj "/CN=${self#*:}" -keyout "${self%%:*}.key" -out "${self%%:*}.crt"
done
for name in P3 SERIAL-7; do
  openssl req $new -subj "/CN=$name" -keyout "$name.key" -out "$name.csr"
  openssl x509 -req -in "$name.csr" -CA ca.crt -CAkey ca.key -days 36500 -out "$name.crt"
done
rm -f ./*.csr ./*.srl ca.key forged-ca.key
