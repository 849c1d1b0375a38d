package console

import (
	"slices"
	"strings"
)

// What a line of a comparison is.
const (
	diffSame = ""
	diffOld  = "old"
	diffNew  = "new"
	diffGap  = "gap" // lines that are the same are left out here
)

// A diffLine is one line of a comparison.
type diffLine struct {
	Kind     string
	Old, New int // its numbers; 0 = it is not in that text
	Text     string
}

const (
	diffAround = 3       // lines that are shown around a change
	diffMost   = 4 << 20 // steps of comparing; beyond, all lines between the first and the last change are exchanged
)

// compare returns the lines by which two texts differ, with some around; nothing if they do not.
func compare(before, after string) []diffLine {
	a, b := linesOf(before), linesOf(after)
	head := 0
	for head < len(a) && head < len(b) && a[head] == b[head] {
		head++
	}
	tail := 0
	for tail < len(a)-head && tail < len(b)-head && a[len(a)-1-tail] == b[len(b)-1-tail] {
		tail++
	}
	if head == len(a) && head == len(b) {
		return nil
	}
	var all []diffLine
	for i := range head {
		all = append(all, diffLine{Old: i + 1, New: i + 1, Text: a[i]})
	}
	all = append(all, compareMiddle(a[head:len(a)-tail], b[head:len(b)-tail], head)...)
	for i := range tail {
		all = append(all, diffLine{Old: len(a) - tail + i + 1, New: len(b) - tail + i + 1, Text: a[len(a)-tail+i]})
	}
	return closeGaps(all)
}

func linesOf(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(strings.TrimSuffix(s, "\n"), "\n")
}

// compareMiddle finds the longest common part of what is between the first and the last change.
func compareMiddle(a, b []string, head int) []diffLine {
	var out []diffLine
	if len(a)*len(b) > diffMost {
		for i, s := range a {
			out = append(out, diffLine{Kind: diffOld, Old: head + i + 1, Text: s})
		}
		for j, s := range b {
			out = append(out, diffLine{Kind: diffNew, New: head + j + 1, Text: s})
		}
		return out
	}
	common := commonLengths(a, b)
	i, j := 0, 0
	for i < len(a) || j < len(b) {
		switch {
		case i < len(a) && j < len(b) && a[i] == b[j]:
			out = append(out, diffLine{Old: head + i + 1, New: head + j + 1, Text: a[i]})
			i, j = i+1, j+1
		case j == len(b) || i < len(a) && common[i+1][j] >= common[i][j+1]:
			out = append(out, diffLine{Kind: diffOld, Old: head + i + 1, Text: a[i]})
			i++
		default:
			out = append(out, diffLine{Kind: diffNew, New: head + j + 1, Text: b[j]})
			j++
		}
	}
	return out
}

// commonLengths are the lengths of the longest common part of what is left of both from i and j.
func commonLengths(a, b []string) [][]int32 {
	table := make([][]int32, len(a)+1)
	for i := range table {
		table[i] = make([]int32, len(b)+1)
	}
	for i, line := range slices.Backward(a) {
		for j, other := range slices.Backward(b) {
			if line == other {
				table[i][j] = table[i+1][j+1] + 1
			} else {
				table[i][j] = max(table[i+1][j], table[i][j+1])
			}
		}
	}
	return table
}

// closeGaps leaves out what is far from any change.
func closeGaps(all []diffLine) []diffLine {
	near := make([]bool, len(all))
	for i, l := range all {
		if l.Kind == diffSame {
			continue
		}
		for k := max(0, i-diffAround); k <= min(len(all)-1, i+diffAround); k++ {
			near[k] = true
		}
	}
	var out []diffLine
	for i, l := range all {
		switch {
		case near[i]:
			out = append(out, l)
		case i == 0 || near[i-1]:
			out = append(out, diffLine{Kind: diffGap})
		}
	}
	return out
}
