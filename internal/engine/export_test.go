package engine

// SetSlice lets a test see slices with few records.
func (e *Engine) SetSlice(pages int) { e.slice = pages }
