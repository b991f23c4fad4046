"""What the demo's gradeable workloads are asked and answered: true answers, and models that miss some of them."""
