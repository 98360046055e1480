"""Sleep: stages from the heart beat, and the measures of a hypnogram."""
