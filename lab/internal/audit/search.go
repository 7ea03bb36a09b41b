package audit

import (
	"strings"
)

// maxDepth bounds how many encodings may be around a canary.
const maxDepth = 3

// hit is a canary in a text, and how it was encoded there.
type hit struct {
	canary   *Canary
	encoding string // "" or such as "percent, base64"
}

// find returns every canary in a text, each once and with the fewest encodings.
func (f *flock) find(text string) []hit {
	f.mu.Lock()
	defer f.mu.Unlock()
	s := search{flock: f, found: map[*Canary]int{}}
	for depth, layer := 0, []piece{{text: text}}; depth <= maxDepth && len(layer) > 0; depth++ {
		layer = s.layer(layer, depth == maxDepth)
	}
	return s.hits
}

// piece is a text, and what was undone to get it.
type piece struct{ text, undone string }

type search struct {
	*flock
	hits  []hit
	found map[*Canary]int
}

// layer looks at texts as they are, and returns what they decode to.
func (s *search) layer(pieces []piece, last bool) []piece {
	var below []piece
	for _, p := range pieces {
		s.plain(p)
		if last {
			continue
		}
		for _, d := range s.decoders {
			for _, text := range d.decode(p.text) {
				if text != p.text {
					below = append(below, piece{text, strings.TrimPrefix(p.undone+", "+d.name, ", ")})
				}
			}
		}
	}
	return below
}

func (s *search) plain(p piece) {
	lower := strings.ToLower(p.text)
	for at := strings.Index(lower, marker); at >= 0; {
		from := at + len(marker)
		if len(lower) >= from+idLength {
			s.hit(s.byID[lower[from:from+idLength]], p)
		}
		next := strings.Index(lower[from:], marker)
		if next < 0 {
			break
		}
		at = from + next
	}
	for _, digits := range digitRuns(p.text) {
		for _, length := range [...]int{13, 15, 16, 19} {
			for i := 0; i+length <= len(digits); i++ {
				s.hit(s.byCard[digits[i:i+length]], p)
			}
		}
	}
}

func (s *search) hit(c *Canary, p piece) {
	if c == nil || s.found[c] > 0 {
		return
	}
	s.found[c]++
	s.hits = append(s.hits, hit{c, p.undone})
}

// digitRuns returns the digits of a text that no letter stands between, without what does: a card
// number is one whatever its groups are set apart by.
func digitRuns(text string) []string {
	var runs []string
	var run []byte
	flush := func() {
		if len(run) >= 13 {
			runs = append(runs, string(run))
		}
		run = run[:0]
	}
	gap := 0
	for i := range len(text) {
		c := text[i]
		switch {
		case '0' <= c && c <= '9':
			run = append(run, c)
			gap = 0
		case 'a' <= c|0x20 && c|0x20 <= 'z' || gap == 4:
			flush()
			gap = 0
		default:
			gap++
		}
	}
	flush()
	return runs
}
