module original

go 1.24.0

require (
	github.com/jumboframes/armorigo v0.4.1
	github.com/singchia/frontier v1.2.5
)
