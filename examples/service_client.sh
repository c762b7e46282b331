#!/bin/sh
# The service from a shell: cbc-screen serve --port 8000, and then this. A first argument is another address.
set -eu
at="${1:-http://127.0.0.1:8000}"

curl -s "$at/screen?detail=compact" -H 'Content-Type: application/json' -d '{
  "age": "54 y", "sex": "F", "hemoglobin": "9.1 g/dL", "neutrophils": "0.9 10^9/L", "platelets": "<10 10^9/L"
}'
echo
curl -s "$at/screen/batch?detail=compact" -H 'Content-Type: application/json' -d '[
  {"age": "30 y", "sex": "M", "hemoglobin": "15.0 g/dL", "neutrophils": "4.2 10^9/L", "platelets": "250 10^9/L"},
  {"hemoglobine": "9.1 g/dL"}
]'
echo
curl -s "$at/version"
echo
