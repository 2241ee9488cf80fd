package plan

// components gives every node of a directed graph the number of its strongly connected component: nodes that reach each
// other share it. (Tarjan, Depth-first search and linear graph algorithms, 1972.)
func components(next [][]int) []int {
	t := &tarjan{next: next, index: make([]int, len(next)), low: make([]int, len(next)), component: make([]int, len(next))}
	for i := range next {
		if t.index[i] == 0 {
			t.visit(i)
		}
	}
	return t.component
}

type tarjan struct {
	next       [][]int
	index, low []int // from 1; 0 = not visited
	component  []int // from 1; 0 = not closed yet
	stack      []int
	visited    int
	closed     int
}

func (t *tarjan) visit(i int) {
	t.visited++
	t.index[i], t.low[i] = t.visited, t.visited
	t.stack = append(t.stack, i)
	for _, n := range t.next[i] {
		switch {
		case t.index[n] == 0:
			t.visit(n)
			t.low[i] = min(t.low[i], t.low[n])
		case t.component[n] == 0:
			t.low[i] = min(t.low[i], t.index[n])
		}
	}
	if t.low[i] != t.index[i] {
		return
	}
	t.closed++
	for done := false; !done; {
		top := t.stack[len(t.stack)-1]
		t.stack = t.stack[:len(t.stack)-1]
		t.component[top] = t.closed
		done = top == i
	}
}
