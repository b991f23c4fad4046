"""The levers composed: the plan, the optimized baseline, the policy file, the change sheets, the monthly close."""
