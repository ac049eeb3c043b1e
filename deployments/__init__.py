"""What Prefect needs to know: work pools, blocks, deployments and their schedules."""
