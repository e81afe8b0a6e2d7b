(* The norms, the rule SLOPES and the rule GRID of Checker.v. In words: certificates.md. *)
From Coq Require Import ZArith.
From mathcomp Require Import all_ssreflect all_algebra.
From Lipverify Require Import Arith Networks Norms Regions Rationals Checker Certificate Estimators Terms NormChecks.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Section NormLe.
Variable R : rcfType.
Add Ring Rring : (ring_laws R).
Notation val := (@value R).
Notation cv := (@cv R).
Notation mat := (@mat R).

Lemma cv_mulvec m n J c : size J = m -> (size c <= n)%N -> cv m (mulvec J c) = mat m n J *m cv n c.
Proof.
move=> size_J le_n; apply/colP=> i; rewrite !mxE (nth_map [::]) ?size_J // (dotP R _ le_n).
by apply: eq_bigr => j _; rewrite !mxE.
Qed.

Lemma mat_transpose m n J : size J = m -> mat n m (transpose n J) = (mat m n J)^T.
Proof.
by move=> size_J; apply/matrixP=> j i; rewrite !mxE (nth_map 0%N) ?size_iota // nth_iota // (nth_map [::]) ?size_J.
Qed.

Lemma size_take_le n (r : vec) : (size (take n r) <= n)%N.
Proof. by rewrite size_take; case: ifP => // /negbT; rewrite -leqNgt. Qed.

Lemma norm_leP pq m n J u : norm_le pq m n J u -> 0 <= val u /\ tested pq (mat m n J) (val u).
Proof.
move=> /andP[/andP[u0 /eqP size_J] test]; rewrite (value_ge0 R) in u0; split=> //.
have columns q : all (fun c => at_most q c u) (transpose n J) -> forall j, pn q (col j (mat m n J)) <= val u.
  move=> /(all_nthP [::]) all_c j; have := all_c j; rewrite size_map size_iota => /(_ (ltn_ord j)) ok.
  have e : nth [::] (transpose n J) j = [seq nth zero r j | r <- J] by rewrite (nth_map 0%N) ?size_iota // nth_iota.
  have -> : col j (mat m n J) = cv m (nth [::] (transpose n J) j).
    by apply/colP=> i; rewrite e !mxE (nth_map [::]) ?size_J.
  by apply: at_mostP ok; rewrite e size_map size_J.
have by_rows p : all (fun r => at_most (dual p) (take n r) u) J -> forall i, pn (dual p) (row i (mat m n J))^T <= val u.
  move=> /(all_nthP [::]) all_r i; have := all_r i; rewrite size_J => /(_ (ltn_ord i)) ok.
  have -> : (row i (mat m n J))^T = cv n (take n (nth [::] J i)) by apply/colP=> j; rewrite !mxE nth_take.
  by apply: at_mostP ok; exact: size_take_le.
have corner q : all (fun s => at_most q (mulvec J s) u) (corners n) -> forall s : 'I_n -> bool, pn q (mat m n J *m signs_of R s) <= val u.
  move=> all_c s; have [c [ok size_c <-]] := corner_all R s all_c.
  rewrite -cv_mulvec ?size_c //; apply: at_mostP ok; by rewrite size_map size_J.
have spectral : semidefinite (gap J u n) -> norm_at_most (@pn R L2 n) (@pn R L2 m) (mat m n J) (val u).
  move=> psd v; have := semidefinite_inP psd (x := entries v); rewrite size_entries size_gap => /(_ erefl).
  rewrite gapP (mat_rows v size_J) subr_ge0 => le_v; rewrite /pn /l2 -[X in _ <= X * _](ger0_norm u0) -sqrtr_sqr -sqrtrM ?sqr_ge0 //.
  by rewrite ler_wsqrtr.
have transposed : all (fun s => at_most L2 (mulvec (transpose n J) s) u) (corners m) ->
    forall s : 'I_m -> bool, pn L2 ((mat m n J)^T *m signs_of R s) <= val u.
  move=> all_c s; have [c [ok size_c <-]] := corner_all R s all_c.
  rewrite -(mat_transpose n size_J) -cv_mulvec ?size_c //; last by rewrite size_map size_iota.
  by apply: at_mostP ok; rewrite size_map size_map size_iota.
case: pq test => [[] []] test.
- exact: (columns L1).
- exact: (columns L2).
- exact: (columns Linf).
- by move/andP: test => [_]; exact: transposed.
- exact: spectral.
- exact: (by_rows L2).
- by move/andP: test => [_]; exact: (corner L1).
- by move/andP: test => [_]; exact: (corner L2).
exact: (by_rows Linf).
Qed.

Lemma norm_geP p q m n J l : 0 <= val l -> norm_ge p q m n J l ->
  exists v : 'cV[R]_n, 0 < pn p v /\ val l * pn p v <= pn q (mat m n J *m v).
Proof.
move=> l0 /andP[/eqP size_J /(has_nthP [::])[i _ /andP[]]]; set v := take n _.
have le_n : (size v <= n)%N by exact: size_take_le.
rewrite (value_gt0 R) (value_le R) !valueM (squareP R p le_n) (squareP R q (n := m)) ?size_map ?size_J //.
rewrite (cv_mulvec size_J le_n) -expr2 -exprMn => pos le_sq; exists (cv n v); split.
  by rewrite lt_def pn_ge0 andbT; apply: contraTneq pos => ->; rewrite expr0n ltxx.
by move: le_sq; rewrite ler_sqr ?nnegrE ?pn_ge0 // mulr_ge0 ?pn_ge0.
Qed.

(* A matrix of magnitudes bounds what it dominates. *)
Lemma dominated p q m n (J M : 'M[R]_(m, n)) u : (forall i j, `|J i j| <= M i j) ->
  norm_at_most (@pn R p n) (@pn R q m) M u -> norm_at_most (@pn R p n) (@pn R q m) J u.
Proof.
move=> le_M bound v; pose w : 'cV[R]_n := \col_i `|v i 0|.
have M0 i j : 0 <= M i j by apply: le_trans (le_M i j).
apply: le_trans (_ : pn q (M *m w) <= _).
  apply: (@pn_absolute R q) => i; rewrite !mxE; apply: le_trans (ler_norm_sum _ _ _) _.
  apply: le_trans (ler_norm _); apply: ler_sum => j _; rewrite mxE normrM ler_wpmul2r //; exact: le_M.
apply: le_trans (bound w) _; have -> : pn p w = pn p v; last by [].
by apply/eqP; rewrite eq_le; apply/andP; split; apply: (@pn_absolute R p) => i; rewrite mxE normr_id.
Qed.

(* SLOPES. *)
Definition between (lh : vec * vec) j (x : R) : Prop := val (nth zero lh.1 j) <= x <= val (nth zero lh.2 j).

Lemma iscaleP a lh j x : between lh j x -> between (iscale a lh) j (val a * x).
Proof.
rewrite /between /iscale => /andP[lo hi]; case: ifP => /=; rewrite (value_ge0 R) !nth_vscale => a0.
  by rewrite !ler_wpmul2l.
by rewrite !ler_wnmul2l // ltW // ltNge a0.
Qed.

Lemma ihullP n lh1 lh2 j x : (j < n)%N -> between lh1 j x \/ between lh2 j x -> between (ihull n lh1 lh2) j x.
Proof.
move=> lt_j; rewrite /between /ihull /= !nth_mkseq //.
have mins a b : val (if le a b then a else b) <= val a /\ val (if le a b then a else b) <= val b.
  by case: ifP; rewrite (value_le R) //; move/negbT; rewrite -ltNge => /ltW.
have maxs a b : val a <= val (if le a b then b else a) /\ val b <= val (if le a b then b else a).
  by case: ifP; rewrite (value_le R) //; move/negbT; rewrite -ltNge => /ltW.
set a := nth zero lh1.1 j; set b := nth zero lh2.1 j; set c := nth zero lh1.2 j; set d := nth zero lh2.2 j.
have [m1 m2] := mins a b; have [x1 x2] := maxs c d.
by case=> /andP[lo hi]; rewrite ?(le_trans m1 lo) ?(le_trans m2 lo) ?(le_trans hi x1) ?(le_trans hi x2).
Qed.

Lemma icombineP w rows j (f : nat -> R) : (forall i, (i < size rows)%N -> between (nth ([::], [::]) rows i) j (f i)) ->
  between (icombine w rows) j (\sum_(i < size rows) val (nth zero w i) * f i).
Proof.
elim: rows w f => [|lh rows IH] [|a w] f ins /=; rewrite ?big_ord0 /between ?nth_nil ?value0 ?lexx //.
  by rewrite big1 ?lexx // => i _; rewrite nth_nil value0 mul0r.
rewrite big_ord_recl /= !nth_vadd; have /andP[lo hi] := iscaleP a (ins 0%N isT).
have /andP[lo' hi'] := IH w (fun i => f i.+1) (fun i => ins i.+1).
by rewrite !ler_add.
Qed.

Lemma size_iactivated n forms sl nd : size (iactivated n forms sl nd) = size forms.
Proof. by elim: forms sl nd => //= f forms IH sl nd; rewrite IH. Qed.

Lemma nth_iactivated n forms sl nd i (d := ([::], [::])) : (i < size forms)%N ->
  nth d (iactivated n forms sl nd) i =
    (let p := nth slope0 sl i in
     match nth None nd i with
     | Some b => iscale (if b then p.2 else p.1) (nth d forms i)
     | None => ihull n (iscale p.1 (nth d forms i)) (iscale p.2 (nth d forms i))
     end).
Proof. by elim: forms sl nd i => //= f forms IH sl nd [|i] lt_i /=; rewrite ?nth0 // IH // !nth_behead. Qed.

Lemma slope_rangesP n m k N (s : pattern (sem R m k N)) nd rows (M : 'M[R]_(k, n)) (d := ([::], [::]) : vec * vec) :
  size rows = k -> agrees s nd -> (forall (i : 'I_k) (j : 'I_n), between (nth d rows i) j (M i j)) ->
  forall (i : 'I_m) (j : 'I_n), (i < size (slope_ranges n N nd rows))%N ->
    between (nth d (slope_ranges n N nd rows) i) j ((jacobian s *m M) i j).
Proof.
have product k' k'' (W : seq vec) (rows' : seq (vec * vec)) (M' : 'M[R]_(k', n)) (i : 'I_k'') (j : 'I_n) : size rows' = k' ->
    (forall (i : 'I_k') (j : 'I_n), between (nth d rows' i) j (M' i j)) -> (i < size W)%N ->
    between (nth d [seq icombine w rows' | w <- W] i) j ((mat k'' k' W *m M') i j).
  move=> size_r ins lt_i; rewrite (nth_map [::]) // mxE.
  pose f l := if insub l is Some l' then M' l' j else 0.
  have ef (l : 'I_k') : M' l j = f l by rewrite /f valK.
  have -> : \sum_l mat k'' k' W i l * M' l j = \sum_(l < size rows') val (nth zero (nth [::] W i) l) * f l.
    by rewrite size_r; apply: eq_bigr => l _; rewrite mxE ef.
  apply: icombineP => l; rewrite size_r => lt_l; have := ins (Ordinal lt_l) j; by rewrite ef.
elim: N k s nd rows M => [W b|W b sl rest IH] k s nd rows M size_r /=.
  move=> _ ins i j; rewrite size_map => lt_i; exact: product.
move=> [fit above] ins i j lt_i; rewrite -mulmxA -mulmxA; apply: IH => //.
  by rewrite size_iactivated size_map.
move=> l j'; rewrite mul_diag_mx !mxE nth_iactivated ?size_map //.
have inside : between (nth d [seq icombine w rows | w <- W] l) j' ((mat (size W) k W *m M) l j').
  exact: product.
have := fit l; case: (nth None nd l) => [b'|_] /=.
  set p := nth slope0 sl l => fit_l.
  have <- : val (if b' then p.2 else p.1) = (if s.1 l then val p.2 else val p.1).
    by case/orP: fit_l => [/(Terms.linearP R) e|/eqP->]; [case: b'; case: (s.1 l); rewrite ?e | case: b'].
  by apply: iscaleP; move: inside; rewrite mxE.
apply: ihullP => //; case: (s.1 l); [right | left]; apply: iscaleP; by move: inside; rewrite mxE.
Qed.

Lemma size_slope_ranges n N nd rows : size (slope_ranges n N nd rows) = outputs N.
Proof. by elim: N nd rows => [W b|W b sl rest IH] nd rows /=; rewrite ?size_map. Qed.

Lemma slope_sizesP n m N (s : pattern (sem R m n N)) nd : outputs N = m -> agrees s nd ->
  forall i j, `|jacobian s i j| <= mat m n (slope_sizes n N nd) i j.
Proof.
move=> em fit i j; rewrite /slope_sizes mxE (nth_map ([::], [::])) ?size_slope_ranges ?em //.
set rows := [seq _ | _ <- iota 0 n]; have size_rows : size rows = n by rewrite size_map size_iota.
have ins (l j' : 'I_n) : between (nth ([::], [::]) rows l) j' ((1%:M : 'M[R]_n) l j').
  rewrite (nth_map 0%N) ?size_iota // nth_iota //; have := rmat_identity R n.
  by move/matrixP/(_ l j'); rewrite !mxE (nth_map 0%N) ?size_iota // nth_iota //= /between /= => ->; rewrite lexx.
have := slope_rangesP size_rows fit ins j (i := i); rewrite size_slope_ranges em mulmx1 => /(_ (ltn_ord i)).
rewrite /between /magnitudes nth_mkseq // => /andP[lo hi]; set lh := nth _ _ i in lo hi *.
have maxs a b : val a <= val (if le a b then b else a) /\ val b <= val (if le a b then b else a).
  by case: ifP; rewrite (value_le R) //; move/negbT; rewrite -ltNge => /ltW.
have eabs v : val (nth zero (map abs v) j) = `|val (nth zero v j)|.
  have [lt_j|ge_j] := ltnP j (size v); first by rewrite (nth_map zero) // value_abs.
  by rewrite !nth_default ?size_map // value0 normr0.
have [le1 le2] := maxs (nth zero (map abs lh.1) j) (nth zero (map abs lh.2) j).
rewrite !eabs in le1 le2; set top := val (if _ then _ else _) in le1 le2 *.
have upper : jacobian s i j <= top by apply: le_trans le2; apply: le_trans hi _; exact: ler_norm.
have lower : - top <= jacobian s i j.
  apply: le_trans lo; rewrite ler_oppl; apply: le_trans le1; rewrite -normrN; exact: ler_norm.
by rewrite ler_norml lower.
Qed.
End NormLe.
