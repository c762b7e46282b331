"""The service from Python: started here for the example, and asked with httpx."""

import re
import subprocess
import sys

import httpx

RECORD = {"age": "54 y", "sex": "F", "hemoglobin": "9.1 g/dL", "neutrophils": "0.9 10^9/L", "platelets": "<10 10^9/L"}

COMMAND = [sys.executable, "-m", "cbc_screen", "serve", "--port", "0"]

# Leaving the block waits for the service to end.
with subprocess.Popen(COMMAND, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as service:
    try:
        address = re.search(r"http://\S+", service.stdout.readline())[0]
        with httpx.Client(base_url=address, timeout=30) as client:
            answer = client.post("/screen", params={"detail": "compact"}, json=RECORD).raise_for_status().json()
            print(answer["notice"], answer["pattern"], answer["urgency"], sep="\n")

            refused = client.post("/screen", json={"hemoglobin": {"value": 9.1, "units": "g/dL"}})
            print(refused.status_code, refused.json()["errors"][0])
    finally:
        service.terminate()
