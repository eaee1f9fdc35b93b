module drystone

go 1.20
