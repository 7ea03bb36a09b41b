package tracetree

import (
	"fmt"
	"slices"
	"strings"
)

// numbered is a line of the file.
type numbered struct {
	num  int
	text string
}

// diffContext is how many equal lines are shown around a difference.
const diffContext = 2

// lineDiff returns a unified diff of two lists of lines, each line behind file:line:. Added lines
// have the number of the line that they replace, or before which they stand.
func lineDiff(file string, want []numbered, got []string) string {
	edits := diffLines(want, got)
	var b strings.Builder
	for i, e := range edits {
		if e.op == ' ' && !near(edits, i) {
			continue
		}
		fmt.Fprintf(&b, "%s:%d: %c %s\n", file, e.num, e.op, e.text)
	}
	return b.String()
}

func near(edits []edit, i int) bool {
	for k := max(0, i-diffContext); k <= min(len(edits)-1, i+diffContext); k++ {
		if edits[k].op != ' ' {
			return true
		}
	}
	return false
}

type edit struct {
	op   byte // space, - or +
	num  int
	text string
}

// diffLines finds a longest common subsequence. Trees are short, so the table is affordable.
func diffLines(want []numbered, got []string) []edit {
	common := make([][]int, len(want)+1)
	for i := range common {
		common[i] = make([]int, len(got)+1)
	}
	for i, w := range slices.Backward(want) {
		for k := len(got) - 1; k >= 0; k-- {
			if w.text == got[k] {
				common[i][k] = common[i+1][k+1] + 1
			} else {
				common[i][k] = max(common[i+1][k], common[i][k+1])
			}
		}
	}
	var out []edit
	i, k := 0, 0
	for i < len(want) && k < len(got) {
		switch {
		case want[i].text == got[k]:
			out = append(out, edit{' ', want[i].num, got[k]})
			i, k = i+1, k+1
		case common[i+1][k] >= common[i][k+1]:
			out = append(out, edit{'-', want[i].num, want[i].text})
			i++
		default:
			out = append(out, edit{'+', want[i].num, got[k]})
			k++
		}
	}
	for ; i < len(want); i++ {
		out = append(out, edit{'-', want[i].num, want[i].text})
	}
	for ; k < len(got); k++ {
		out = append(out, edit{'+', 0, got[k]})
	}
	return renumber(out, want)
}

// renumber gives the k-th added line of a hunk the number of its k-th removed line.
func renumber(edits []edit, want []numbered) []edit {
	last := 0
	if len(want) > 0 {
		last = want[len(want)-1].num
	}
	var removed []int
	for i := range edits {
		switch edits[i].op {
		case ' ':
			removed = nil
		case '-':
			removed = append(removed, edits[i].num)
		case '+':
			if len(removed) > 0 {
				edits[i].num = removed[0]
				if len(removed) > 1 {
					removed = removed[1:]
				}
			} else if edits[i].num == 0 {
				edits[i].num = last
			}
		}
	}
	return edits
}
