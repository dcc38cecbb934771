"""How the kit builds anything: functions, layers, queues, findings and retention."""
