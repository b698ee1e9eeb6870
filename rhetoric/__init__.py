"""Reads diplomatic prose and says, sentence by sentence, who accuses, who denies and who calls for negotiation."""
