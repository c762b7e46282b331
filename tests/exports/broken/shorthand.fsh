Instance: BK-2001
InstanceOf: Observation
Usage: #example
* status = #final
* valueQuantity = 7.93 'g/dL'
