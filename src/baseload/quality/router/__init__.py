"""The router inside a workload: which prompts the cheaper model may answer, with a promise that was tested."""
